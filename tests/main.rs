//! Tests with the real program.

mod proc;
