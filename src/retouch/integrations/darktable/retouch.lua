-- Fill holes with retouch, as a target storage of darktable 5: exported photos open in the editor, one after the
-- other, and what Done writes comes back grouped with the original. `retouch install-plugin darktable` puts this
-- file here, with the command in it.
-- SPDX-License-Identifier: Apache-2.0

local dt = require "darktable"

local COMMAND = {"retouch"}
local WINDOWS = dt.configuration.running_os == "windows"
local SLASH = WINDOWS and "\\" or "/"
local FORMATS = {tiff = true, png = true, jpeg = true} -- what darktable writes and retouch can write back

local function quoted(word)
  if WINDOWS then
    return '"' .. word .. '"'
  end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil
end

-- A name beside the original that is still free.
local function beside(image, exported)
  local stem = image.path .. SLASH .. image.filename:gsub("%.[^.]*$", "") .. "-filled"
  local ending = exported:match("%.[^.]*$")
  local name, number = stem .. ending, 1
  while exists(name) do
    number = number + 1
    name = stem .. "-" .. number .. ending
  end
  return name
end

local function edit(image, exported)
  local filled, words = beside(image, exported), {}
  for _, word in ipairs(COMMAND) do
    table.insert(words, quoted(word))
  end
  for _, word in ipairs({"edit", "--wait", "-o", filled, exported}) do
    table.insert(words, quoted(word))
  end
  local command = table.concat(words, " ")
  if WINDOWS then
    command = '"' .. command .. '"' -- the shell takes the outer pair away
  end
  dt.print("retouch edits " .. image.filename .. " in the browser")
  local code = dt.control.execute(command)
  os.remove(exported)
  if code ~= 0 or not exists(filled) then
    dt.print("retouch wrote nothing for " .. image.filename)
    return
  end
  local new = dt.database.import(filled)
  new:group_with(image)
  for _, tag in ipairs(dt.tags.get_tags(image)) do
    if tag.name:sub(1, 9) ~= "darktable" then
      dt.tags.attach(tag, new)
    end
  end
end

local function finalize(_, exported_images)
  for image, exported in pairs(exported_images) do
    edit(image, exported)
  end
end

local function supported(_, format)
  return FORMATS[format.plugin_name] == true
end

-- Returns the images to export; there is none where every fill would be refused.
local function initialize(_, format, images)
  if format.plugin_name == "tiff" and format.bpp == 32 then
    dt.print("retouch fills 8 and 16 bits; choose 16 bit below target storage > file format")
    return {}
  end
  return images
end

dt.register_storage("retouch", "fill holes with retouch", nil, finalize, supported, initialize)

return {
  finalize = finalize,
  -- for darktable's script manager
  destroy = function()
    dt.destroy_storage("retouch")
  end
}
