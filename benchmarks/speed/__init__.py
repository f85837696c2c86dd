"""Speed: guards that hold on any machine, since each is judged on its ratio to a reference measured beside it."""
