mod broken;
mod going;
mod guard;
mod house;
mod word;
