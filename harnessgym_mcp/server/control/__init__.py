"""The control tools: `harnessgym.*`, what each is for and how it is answered."""
