"""A folder or table of the user's own: its columns, rows, files, masks and DICOM headers -> lesions."""
