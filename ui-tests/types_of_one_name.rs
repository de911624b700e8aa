use sinew::prelude::*;

#[model(methods)]
struct Net {
    fc: Linear<4, 8>,
}
#[model]
impl Net {
    fn hidden<B>(&self, x: Tensor<B, 4>) -> Tensor<B, 8> { self.fc.forward(x).relu() }
}

#[model(methods)]
struct Net {
    fc: Linear<4, 8>,
    out: Linear<8, 1>,
}
#[model]
impl Net {
    fn forward<B>(&self, x: Tensor<B, 4>) -> Tensor<B, 1> { self.out.forward(self.fc.forward(x).relu()) }
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    (m.forward(x) + m.out.b).mean()
}

fn main() {
    let _ = loss::train(Net::init(0));
    let _ = Net::init(0).forward([[1.0; 4]; 2]);
}
