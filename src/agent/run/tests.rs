mod going;
mod house;
mod word;
