use sinew::prelude::*;

#[model]
fn f<N>(x: Tensor<i32, N>) -> Tensor<N> {
    let smooth = (x.sigmoid(), x.log_sigmoid(), x.silu(), x.mish(), x.gelu(), x.softplus(), x.softsign(), x.tanhshrink());
    let pieces = (x.elu(), x.selu(), x.celu(), x.hardtanh(), x.relu6(), x.hardsigmoid(), x.hardshrink(), x.threshold(0.5, 0.0));
    let others = (x.trunc(), x.log2(), x.log10(), x.exp2(), x.isnan(), x.isfinite(), x.softmax(), x.log_softmax());
    x.cast(float)
}

#[model]
fn g<N>(x: Tensor<bool, N>) -> Tensor<N> {
    let both = (x.relu(), x.leaky_relu());
    x.cast(float)
}

fn main() {}
