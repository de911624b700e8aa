sinew::__private::finish!([sinew::__private::finish]);

fn main() {}
