mod gate;
mod hostile;
mod patches;
mod place;
mod tools;
pub(super) mod yard;
