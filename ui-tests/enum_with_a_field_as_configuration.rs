use sinew::prelude::*;

#[model]
enum Activation {
    Relu,
    Leaky(f32),
}

#[model]
struct Net {
    fc: Linear<4, 8>,
    act: Activation,
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    let h = m.fc.forward(x);
    match m.act {
        Activation::Relu => h.relu().mean(),
        Activation::Leaky(_) => h.mean(),
    }
}

fn main() -> sinew::Result<()> {
    let net = Net::init(&NetConfig { act: Activation::Relu }, 0)?;
    loss::train(net).build()?;
    Ok(())
}
