use sinew::prelude::*;

mod net {
    use sinew::prelude::*;

    #[model]
    pub struct Net {
        pub first: Linear<4, 8>,
        second: Linear<8, 2>,
    }

    #[model]
    pub fn scores<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 2> {
        m.second.forward(m.first.forward(x))
    }
}

#[model]
fn twice<B>(m: &net::Net, x: Tensor<B, 4>) -> Tensor<B, 2> {
    let h = m.first.forward(x);
    net::scores(m, x) + m.second.forward(h)
}

fn main() {}
