use sinew::nn::Activation;
use sinew::prelude::*;

#[model]
struct Plain {
    #[pytorch("p")]
    rate: f32,
}

#[model]
struct Chosen {
    #[pytorch("act")]
    activation: Activation,
}

fn main() {}
