use sinew::prelude::*;

#[model]
fn f<N>(x: Tensor<bool, N>) -> Tensor<N> {
    let exponents = (x.exp(), x.log(), x.expm1(), x.log1p(), x.sqrt(), x.rsqrt(), x.square(), x.reciprocal(), x.pow(2.5));
    let angles = (x.sin(), x.cos(), x.tan(), x.asin(), x.acos(), x.atan(), x.sinh(), x.cosh(), x.tanh());
    let pieces = (x.neg(), x.abs(), x.sign(), x.floor(), x.ceil(), x.round(), x.erf());
    x.cast(float)
}

fn main() {}
