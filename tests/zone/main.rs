//! The zone from the outside: objects go in, questions are asked as bytes, and hickory reads the replies.

mod asking;
mod forms;
mod making;
