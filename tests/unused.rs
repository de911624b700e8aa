//! A parameter that a method leaves out is not moved by the decay of weights, whoever calls the method.

use sinew::prelude::*;

#[model(methods)]
struct Scale<D> {
    #[init(ones)]
    used: Param<D>,
    #[init(ones)]
    left_out: Param<D>,
}

#[model(pub)]
impl<D> Scale<D> {
    pub fn forward<B>(&self, x: Tensor<B, D>) -> Tensor<B, D> {
        x * self.used
    }
}

#[model]
struct Net {
    scale: Scale<3>,
}

#[model]
fn scaled<B>(m: &Net, x: Tensor<B, 3>) -> Tensor<B, 3> {
    m.scale.forward(x)
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 3>) -> Tensor {
    scaled(m, x).square().mean()
}

#[test]
fn a_parameter_that_a_method_leaves_out_stays() -> sinew::Result<()> {
    let model = Net::init(1);
    let mut train = loss::train(model)
        .optimizer(AdamW::new(0.1).weight_decay(0.5))
        .build()?;
    for _ in 0..3 {
        train.step([[1.0, 2.0, 3.0]])?;
    }
    let model = train.model()?;
    assert!(model.scale.left_out.values().iter().all(|v| *v == 1.0));
    assert!(model.scale.used.values().iter().all(|v| *v != 1.0));
    Ok(())
}
