"""Tables, figures and provenance to one self-contained HTML file."""
