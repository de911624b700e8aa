use sinew::prelude::*;

#[model(methods)]
struct Scale {
    #[init(ones)]
    by: Param,
}

#[model]
impl Scale {
    fn twice<B>(&self, x: Tensor<B>) -> Tensor<B> {
        let y = x @ self.by;
        y + y
    }
}

#[model]
fn f<B>(m: &Scale, x: Tensor<B>) -> Tensor<B> {
    m.twice(x)
}

fn main() {}
