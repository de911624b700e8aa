use sinew::prelude::*;

#[model]
struct Layer {
    #[init(zeros)]
    w: Param<4>,
}

mod other {
    use sinew::prelude::*;

    #[model]
    pub struct Layer {
        #[init(zeros)]
        pub w: Param<4>,
    }

    #[model]
    pub fn scaled(m: &Layer, x: Tensor<4>) -> Tensor<4> {
        m.w * x
    }
}

#[model]
fn twice(m: &Layer, x: Tensor<4>) -> Tensor<4> {
    other::scaled(m, x) * 2
}

fn main() {}
