"""Every method of explanation by its name: attention, CAM, Grad-CAM, occlusion, integrated gradients."""
