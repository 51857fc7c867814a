package strange // want package:"SuperNet strange" `the choices of this package cannot be read \(the table of choices is not made of constants\)`

func use() SubNet {
	choices[0].Name = "side"               // want `choices is changed here`
	s, err := ParseSubNet("resolution=32") // want `this text cannot be checked`
	if err != nil {
		panic(err)
	}
	return s
}
