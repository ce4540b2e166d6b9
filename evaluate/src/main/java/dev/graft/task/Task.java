package dev.graft.task;

import dev.graft.data.Doc;
import dev.graft.data.DocFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A benchmark, as its file describes it. Keys and their meanings are lm-evaluation-harness's where
 * it has them, so that prompts are the same.
 *
 * @param name it is asked for by
 * @param title for people
 * @param version of the prompt, as lm-evaluation-harness counts it
 * @param outputType what a model is asked for
 * @param dataset where the questions are
 * @param description template of what stands before everything; may be empty
 * @param docToText template of a question
 * @param docToChoice the answers to choose from; none unless it is multiple choice
 * @param docToTarget template of the right answer: its text or, of choices, its number from 0
 * @param targetDelimiter between a question and its answer
 * @param fewshotDelimiter between examples
 * @param fewshots examples before the question unless the user says otherwise
 * @param sampler how examples are drawn
 * @param rewriting of the target before a model sees it
 * @param generation how an answer is written
 * @param filters what is taken out of a written answer; each gives metrics of its own
 * @param metrics what is computed from an answer
 * @param digest of the file's text: another digest may mean other prompts or scores
 */
public record Task(
    String name,
    String title,
    String version,
    OutputType outputType,
    Dataset dataset,
    PromptTemplate description,
    PromptTemplate docToText,
    Choices docToChoice,
    PromptTemplate docToTarget,
    String targetDelimiter,
    String fewshotDelimiter,
    int fewshots,
    Sampler sampler,
    Rewriting rewriting,
    Generation generation,
    List<FilterSpec> filters,
    List<Named> metrics,
    String digest) {
  /** How the examples before a question are drawn. */
  public enum Sampler {
    /** The first ones of the file, in order. */
    FIRST_N,
    /** At random for each question, as lm-evaluation-harness draws them with its standard seed. */
    DEFAULT
  }

  /** What is done to a text before a model sees it. */
  public enum Rewriting {
    /** Nothing. */
    NONE,
    /** {@link WikitextDetokenizer}. */
    WIKITEXT_DETOKENIZER
  }

  /**
   * Where the questions are. {@code {subject}} in a file's name stands for each subject.
   *
   * @param format of the files
   * @param test files with the questions; the first that exists counts
   * @param fewshot files with the examples, likewise; none if there are no examples
   * @param samples the examples themselves, where the task's file has them; else empty
   * @param subjects parts with scores of their own; a single one with an empty name if there are
   *     none
   */
  public record Dataset(
      DocFormat format,
      List<String> test,
      List<String> fewshot,
      List<Doc> samples,
      List<Subject> subjects) {}

  /**
   * A part of a benchmark.
   *
   * @param name of its files; empty if the benchmark has no parts
   * @param title in its prompts
   * @param group of subjects that it counts in; may be empty
   */
  public record Subject(String name, String title, String group) {}

  /**
   * The answers to choose from.
   *
   * @param texts one for each: its text, or a template of it where there are braces
   * @param field of the record that lists them instead; may be empty
   */
  public record Choices(List<Choice> texts, String field) {
    /** No answers. */
    static final Choices NONE = new Choices(List.of(), "");
  }

  /** The text of an answer for a record. */
  @FunctionalInterface
  public interface Choice {
    /** The text. */
    String of(Map<String, Object> fields);
  }

  /**
   * How an answer is written.
   *
   * @param until strings that end it
   * @param maxTokens that it may have
   * @param temperature that tokens are drawn with; 0: always the most likely one
   * @param repeats answers to each question
   */
  public record Generation(List<String> until, int maxTokens, double temperature, int repeats) {}

  /** The same task with shorter answers, where they may be longer. */
  public Task withMaxTokens(int most) {
    if (outputType != OutputType.GENERATE_UNTIL || generation.maxTokens <= most) {
      return this;
    }
    return new Task(
        name,
        title,
        version,
        outputType,
        dataset,
        description,
        docToText,
        docToChoice,
        docToTarget,
        targetDelimiter,
        fewshotDelimiter,
        fewshots,
        sampler,
        rewriting,
        new Generation(generation.until, most, generation.temperature, generation.repeats),
        filters,
        metrics,
        digest + " " + most);
  }

  /**
   * A chain of filters.
   *
   * @param name of the chain
   * @param steps one after the other
   */
  public record FilterSpec(String name, List<Named> steps) {}

  /**
   * Something by its name, with arguments.
   *
   * @param arguments strings, numbers, booleans, lists and maps
   */
  public record Named(String name, Map<String, Object> arguments) {}

  /**
   * The task of a single subject, as lm-evaluation-harness names it: {@code mmlu_anatomy}.
   *
   * @param subject its name
   */
  Optional<Task> part(String subject) {
    return dataset.subjects().stream()
        .filter(one -> one.name().equals(subject))
        .findFirst()
        .map(one ->
            new Task(
                name + "_" + subject,
                title + ", " + one.title(),
                version,
                outputType,
                new Dataset(
                    dataset.format(),
                    dataset.test(),
                    dataset.fewshot(),
                    dataset.samples(),
                    List.of(one)),
                description,
                docToText,
                docToChoice,
                docToTarget,
                targetDelimiter,
                fewshotDelimiter,
                fewshots,
                sampler,
                rewriting,
                generation,
                filters,
                metrics,
                digest));
  }
}
