//! The smallest problem that needs a hidden layer: XOR.

use sinew::prelude::*;

#[model]
struct Net {
    hidden: Linear<2, 8>,
    out: Linear<8, 1>,
}

#[model]
fn predict<B>(net: &Net, x: Tensor<B, 2>) -> Tensor<B, 1> {
    net.out.forward(net.hidden.forward(x).tanh()).sigmoid()
}

#[model]
fn loss<B>(net: &Net, x: Tensor<B, 2>, y: Tensor<B, 1>) -> Tensor {
    mse(predict(net, x), y)
}

fn main() -> sinew::Result<()> {
    let x = [[0.0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    let y = [[0.0f32], [1.0], [1.0], [0.0]];

    let mut train = loss::train(Net::init(7))
        .optimizer(Adam::new(0.05))
        .build()?;
    for _ in 0..5 {
        let steps = train.repeat(100, x, y)?;
        println!(
            "step {:4}  loss {:.5}",
            steps.numbers.start, steps.losses[0]
        );
    }

    let scores = predict::attach(&train)?.run(x)?;
    for (inputs, score) in x.iter().zip(scores.iter()) {
        println!("{} xor {} = {score:.3}", inputs[0], inputs[1]);
    }
    Ok(())
}
