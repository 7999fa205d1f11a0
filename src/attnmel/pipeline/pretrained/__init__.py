"""From a finished run to a pretrained model of the installation."""
