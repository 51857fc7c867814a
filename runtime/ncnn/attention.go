package ncnn

// attentions finds attention that NCNN has one layer for.
func (e *exporter) attentions() {}
