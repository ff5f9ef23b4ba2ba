//! The repository: discovery, refs, objects, and the one place that spawns git.
