/**
 * The file format GGUF as llama.cpp's ggml/docs/gguf.md specifies it: metadata, tensors and the
 * block types that Graft reads or writes; nothing of what a model means.
 */
package dev.graft.gguf;
