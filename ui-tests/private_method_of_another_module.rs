use sinew::prelude::*;

mod layers {
    use sinew::prelude::*;

    #[model(methods)]
    pub struct Block {
        fc: Linear<4, 4>,
    }

    #[model]
    impl Block {
        fn hidden<B>(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
            self.fc.forward(x).relu()
        }
        pub fn forward<B>(&self, x: Tensor<B, 4>) -> Tensor<B, 4> {
            self.hidden(x) + x
        }
    }

    #[model]
    pub fn twice<B>(m: &Block, x: Tensor<B, 4>) -> Tensor<B, 4> {
        m.hidden(m.hidden(x))
    }
}

#[model]
struct Net {
    block: layers::Block,
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>) -> Tensor {
    m.block.hidden(layers::twice(m.block, m.block.forward(x))).mean()
}

fn main() {
    let _ = loss::train(Net::init(0));
}
