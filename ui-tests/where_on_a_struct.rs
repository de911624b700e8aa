use sinew::prelude::*;

#[model(where(N <= 8))]
struct Layer<N> {
    #[init(ones)]
    w: Param<N>,
}

fn main() {
    let _ = Layer::init(&LayerConfig { N: 4 }, 0);
}
