mod gate;
mod hostile;
mod patches;
mod place;
mod tools;
mod yard;
