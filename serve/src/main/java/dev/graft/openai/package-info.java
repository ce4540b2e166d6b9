/** The OpenAI API's requests and answers: JSON in, records; records, JSON out. */
package dev.graft.openai;
