//! YAML text as a tree with spans; diagnostics and how they are shown.
