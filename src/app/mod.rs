//! One use case a file: what the commands do, without reading arguments or printing.

pub mod doctor;
pub mod failure;
pub mod gc;
pub mod project;
pub mod salvage;
pub mod waiting;
