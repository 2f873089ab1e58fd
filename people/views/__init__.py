"""Pages and actions on people, faces, groups and questions."""
