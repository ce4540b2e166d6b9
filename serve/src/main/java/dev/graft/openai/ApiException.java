package dev.graft.openai;

import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A request that is not answered, in the form in which the OpenAI API says why. */
public final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int status;
  private final String type;
  private final String param;
  private final String code;

  private ApiException(int status, String type, String param, String code, String message) {
    super(message);
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
  }

  /** 400: a field is at fault. */
  public static ApiException invalid(String param, String message) {
    return new ApiException(400, "invalid_request_error", param, null, message);
  }

  /** 400: the request as a whole is. */
  public static ApiException invalid(String message) {
    return new ApiException(400, "invalid_request_error", null, null, message);
  }

  /** 400: more tokens than the context has. */
  public static ApiException tooLong(String param, String message) {
    return new ApiException(
        400, "invalid_request_error", param, "context_length_exceeded", message);
  }

  /** 401: no key, or a wrong one. */
  public static ApiException unauthorized(String message) {
    return new ApiException(401, "invalid_request_error", null, "invalid_api_key", message);
  }

  /** 404: a model that is not served here. */
  public static ApiException unknownModel(String name, String served) {
    return new ApiException(
        404,
        "invalid_request_error",
        "model",
        "model_not_found",
        "the model '" + name + "' is not served here; this server has '" + served + "'");
  }

  /** Any other status with a word for it. */
  public static ApiException of(int status, String type, String message) {
    return new ApiException(status, type, null, null, message);
  }

  /** HTTP status. */
  public int status() {
    return status;
  }

  /** The field at fault, if one is. */
  public Optional<String> param() {
    return Optional.ofNullable(param);
  }

  /** {@code {"error": {"message", "type", "param", "code"}}}. */
  public ObjectNode json() {
    ObjectNode body = JsonMapper.shared().createObjectNode();
    ObjectNode error = body.putObject("error");
    error.put("message", getMessage());
    error.put("type", type);
    error.put("param", param);
    error.put("code", code);
    return body;
  }
}
