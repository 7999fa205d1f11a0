"""Pages of images: galleries of maps, contact sheets, audit pairs."""
