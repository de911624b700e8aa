use sinew::prelude::*;

#[model(methods)]
struct Net {
    out: Linear<4, 2>,
}

#[model]
impl Net {
    #[model(no_derivative = "it is a metric")]
    fn spread<B>(&self, x: Tensor<B, 4>) -> Tensor {
        self.out.forward(x).max()
    }

    fn loss<B>(&self, x: Tensor<B, 4>) -> Tensor {
        self.spread(x)
    }
}

#[model]
fn outside<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    Net::spread(m, x) + m.loss(x)
}

fn main() {}
