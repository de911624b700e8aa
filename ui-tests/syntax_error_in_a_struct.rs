use sinew::prelude::*;

#[model(methods)]
struct Net {
    #[init(zeros)]
    first: Param<64 32>,
}

#[model]
impl Net {
    fn forward<B>(&self, x: Tensor<B, 64>) -> Tensor<B, 32> {
        matmul(x, self.first)
    }
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 64>) -> Tensor {
    m.forward(x).sum()
}

fn main() -> sinew::Result<()> {
    loss::train(Net::init(1)).build()?;
    Ok(())
}
