"""The U-Net that draws lesion masks: trained, applied, evaluated."""
