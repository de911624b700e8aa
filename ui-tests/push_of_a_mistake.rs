use sinew::prelude::*;

#[model]
fn f<T, B>(xs: Tensor<T, B>) -> (Tensor<T, B>, Tensor<2, B>) {
    let mut ys = Vec::new();
    let mut zs = Vec::new();
    for x in xs {
        ys.push(x.tann());
    }
    zs.push(xs[0]);
    zs.push(xs.summ(0));
    (stack(ys), stack(zs))
}

fn main() -> sinew::Result<()> {
    println!("{}", f::pullback()?);
    let _: f32 = f::vjp([[1.0]], [[1.0]], [[1.0], [1.0]])?;
    Ok(())
}
