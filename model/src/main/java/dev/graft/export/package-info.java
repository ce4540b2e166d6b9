/** A checkpoint written as the one file that llama.cpp runs. */
package dev.graft.export;
