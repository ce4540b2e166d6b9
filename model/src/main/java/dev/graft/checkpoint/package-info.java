/**
 * What a model is on disk: its shape from {@code config.json}, safetensors in and out, the tensor
 * names of each family, element types.
 */
package dev.graft.checkpoint;
