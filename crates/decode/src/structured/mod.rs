//! Structured formats: JSON, Windows event XML, and the shapes that products give them.
