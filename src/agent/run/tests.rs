mod broken;
mod going;
mod house;
mod word;
