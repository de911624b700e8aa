use sinew::prelude::*;

#[model]
fn best(x: Tensor<5>) -> Tensor<7> {
    let (values, _) = x.topk(7);
    values
}

fn main() {}
