package dev.graft.cli;

import dev.graft.sample.SamplingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** How a model's own {@code generation_config.json} wants its tokens drawn. */
final class ModelSampling {
  private ModelSampling() {}

  /** The file's fields; none where there is no such file. */
  static JsonNode config(Path model) throws IOException {
    Path file = model.resolve("generation_config.json");
    return Files.isDirectory(model) && Files.isRegularFile(file)
        ? JsonMapper.shared().readTree(Files.readString(file))
        : JsonMapper.shared().createObjectNode();
  }

  /** What a server draws with where a request says nothing: OpenAI's defaults for the rest. */
  static SamplingOptions served(Path model) throws IOException {
    JsonNode config = config(model);
    return new SamplingOptions(
        config.path("temperature").asDouble(1),
        config.path("top_k").asInt(0),
        config.path("top_p").asDouble(1),
        config.path("min_p").asDouble(0),
        config.path("repetition_penalty").asDouble(1),
        0);
  }
}
