use sinew::prelude::*;

#[model]
struct Line {
    #[init(zeros)]
    slope: Param,
}

#[model]
fn height<N>(m: &Line, x: Tensor<N>) -> Tensor<N> {
    m.slope * x
}

fn main() -> sinew::Result<()> {
    let mut run = height::compile(Line::init(0))?;
    run.run([1.0])?;
    Ok(())
}
