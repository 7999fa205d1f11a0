"""Convolutional trunks by name: VGG-16, MobileNetV2, EfficientNet-Lite."""
