use sinew::prelude::*;

#[model(methods)]
struct Net<H, O> {
    fc: Linear<4, H>,
    out: Linear<H, O>,
}

#[model]
impl Net<H, O> {
    fn forward<B>(&self, x: Tensor<B, 4>) -> Tensor<B, O> {
        self.out.forward(self.fc.forward(x))
    }
}

#[model]
fn loss<B, H, O>(m: &Net<H, O>, x: Tensor<B, 4>) -> Tensor {
    m.forward(x).mean()
}

fn main() -> sinew::Result<()> {
    let net = Net::init(&NetConfig { H: 8, O: 2 }, 0)?;
    loss::train(net).build()?;
    Ok(())
}
