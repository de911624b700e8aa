use sinew::prelude::*;

#[model(methods)]
struct Attention<D> {
    heads: usize,
    #[init(ones)]
    w: Param<D>,
}

#[model(where(D == self.heads * 8))]
impl<D> Attention<D> {
    fn forward<B>(&self, x: Tensor<B, D>) -> Tensor<B, D> {
        x * self.w
    }
}

#[model(where(D == m.heads * 8))]
fn f<B, D>(m: &Attention<D>, x: Tensor<B, D>) -> Tensor<B, D> {
    m.forward(x)
}

fn main() {}
