//! Plan files and configuration, with the origin of each value.
