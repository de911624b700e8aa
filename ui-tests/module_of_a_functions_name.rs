use sinew::prelude::*;

mod loss {
    pub fn name() -> &'static str {
        "mean"
    }
}

#[model]
pub fn loss<B>(x: Tensor<B, 4>) -> Tensor {
    x.mean()
}

fn main() {
    println!("{}", loss::name());
    let _ = loss([[1.0; 4]; 2]);
}
