//! What the store promises, verb by verb.
