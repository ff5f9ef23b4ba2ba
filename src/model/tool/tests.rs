mod envelope;
mod gate;
mod names;
